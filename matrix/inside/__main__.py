"""Runs inside an environment: saves models, loads models, and says what happened.

A guest. All it may rely on is Python 3.7, the standard library, and the TensorFlow and numpy that it finds there.
Nothing from the host's package, no syntax newer than 3.7: tests hold it to that on the real interpreters.

    python -I -B FOLDER            the worker: one JSON request a line on standard input
    python -I -B FOLDER child FD   a group in a fresh process; answers on file descriptor FD (see `starting`)

Standard input stays open until the last answer is there: when it closes before, the host is gone, and the worker ends
at once with all that it started.

Answers leave as JSON lines on a private copy of standard output; descriptor 1 is pointed at descriptor 2 first, so
nothing that TensorFlow or a scenario prints can get between them. The first line is

    {"hello": {"python": ..., "tensorflow": ..., "keras": ..., "numpy": ..., "h5py": ...,
               "safe_mode": bool, "register": bool, "tfsm": bool, "start": "fork" | "spawn", "fence": bool}}

or `{"broken": [exception, ...]}` when TensorFlow does not import. With a fence children write nowhere but where they
should (see `fence`). A request is one group of cells:

    {"request": "7", "task": "save" | "load", "scenario": {"name": ..., "path": ...},
     "code": "none" | "load" | "register",       what of the scenario the child sees before its first cell
     "cells": [{"id": ..., "format": ..., "path": ..., "inputs": key, "rung":
                {"name": ..., "way": "own" | "tfsm" | "raw_saved_model" | "config_patch" | "weights",
                 "custom_objects": bool, "packaged": bool, "compile": bool, "safe_mode": bool, "call": bool},
                "resave": {"format": ..., "path": ...} or null}, ...],     a model that loads is saved again
     "inputs": {key: packed arrays},
     "timeout": seconds, "memory": bytes, "isolation": "group" | "cell" | "fresh"}

All cells of a group share a child that has seen nothing before; "cell" gives each cell one, and "fresh" a process that
imports TensorFlow itself and hands `predict` what a user would. For each cell comes one line, as soon as it is known

    {"request": "7", "cell": ..., "rung": ..., "stage": ..., "seconds": ..., "ending": ..., "noise": ...,
     "first": how its first child ended where it died and was tried again, else "",
     "answer": {"saved" | "loaded" | "unsupported" | "raised": ...} or null}

and `{"request": "7", "done": true}` closes the request. The guest measures; the host judges.
"""

import importlib
import os
import sys
import types


def guest(name):
    """Import a sibling module as part of the package `matrix_guest`.

    The folder itself leaves `sys.path`: Keras 3 imports classes by the module name that a file gives, and must not
    find ours under a common name.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    if "matrix_guest" not in sys.modules:
        sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
        package = types.ModuleType("matrix_guest")
        package.__path__ = [folder]
        sys.modules["matrix_guest"] = package
    return importlib.import_module("matrix_guest." + name)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        guest("starting").spawned(int(sys.argv[2]))
    else:
        guest("worker").serve()
