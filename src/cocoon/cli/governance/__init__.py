"""``cocoon root …`` behind its options: what the owners of a network decide."""
