"""What the commands that move money share: amounts, what is said and asked before, what came of it.

The commands themselves are ``*_command.py`` one level up; what they do is in the packages below.
"""
