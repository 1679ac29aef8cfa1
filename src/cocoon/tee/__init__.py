"""Trusted hardware of this machine: quotes and reports from TDX, SEV-SNP and NVIDIA GPUs."""
