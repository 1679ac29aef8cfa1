"""Measurements computed ahead: what genuine hardware will report for given files."""
