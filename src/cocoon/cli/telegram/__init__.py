"""``cocoon telegram`` behind its options."""
