"""A client's money on TON: deposits, authorization, charges, withdrawal and closing.

``plan`` decides and does nothing else; ``records`` remembers intents before they are carried out;
``keeper`` reads the chain, asks the plan and sends.
"""
