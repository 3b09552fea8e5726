"""A scenario script, as a module that no file can name."""

import importlib.util
import sys

PACKAGE = "scenario"


def loaded(name, path, role):
    """Run the script at `path` and return its module.

    Its module name depends on the role and is no identifier: Keras 3.4 and 3.6 import a class by the module name that
    the writer left in the file (https://github.com/keras-team/keras/blob/v3.6.0/keras/src/saving/serialization_lib.py),
    and a reader that finds the class that way would hide that a user's own script would not be found.
    """
    module_name = "scenario %s (%s)" % (name, role)
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def custom_objects(module):
    """Return the scenario's custom objects by name; none when it has none."""
    return dict(getattr(module, "CUSTOM_OBJECTS", {}))


def packaged(module):
    """Return them under the names, too, that a file has for what its writer had registered."""
    plain = custom_objects(module)
    return dict(plain, **{"%s>%s" % (PACKAGE, name): thing for name, thing in plain.items()})


def register(tensorflow, module):
    """Register every custom object, as its author would by decorator. AttributeError where Keras has no registry."""
    decorate = tensorflow.keras.utils.register_keras_serializable
    for name, thing in custom_objects(module).items():
        decorate(package=PACKAGE, name=name)(thing)
