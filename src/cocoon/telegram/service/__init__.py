"""The running service: updates that are kept before they are confirmed, bot, server, top-ups."""
