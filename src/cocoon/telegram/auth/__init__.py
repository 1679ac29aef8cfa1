"""Who a Mini App's user is: initData signed by Telegram, and sessions that follow from it."""
