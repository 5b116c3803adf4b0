"""Loads every module of the command, for the process from which those of tests are forked."""

import importlib
import pkgutil

import vigil.cli

for _each in pkgutil.walk_packages(vigil.cli.__path__, "vigil.cli."):
    importlib.import_module(_each.name)
