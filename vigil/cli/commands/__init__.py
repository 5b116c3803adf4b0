"""What can be typed: the names, arguments and options of every command.

These modules import nothing slow, so that help and mistakes are answered at once. A command imports the module that
does its work when it runs.
"""
