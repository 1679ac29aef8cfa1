"""One question, one answer, paid for by one user: what the bot and the Mini App have in common."""
