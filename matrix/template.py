"""A scenario to begin with."""

from __future__ import annotations

from pathlib import Path

from .errors import UsageError

_SCRIPT = '''\
# /// script
# requires-python = ">=3.7"
# dependencies = ["tensorflow"]
#
# [tool.matrix]
# variants = ["bare", "custom_objects", "registered"]
# ///
"""Does {name} survive the trip?"""

import numpy as np
import tensorflow as tf


class Scale(tf.keras.layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return dict(super().get_config(), factor=self.factor)


# What a user would hand to `load_model(custom_objects=...)`. Without custom code: none, and variants = ["bare"].
CUSTOM_OBJECTS = {{"Scale": Scale}}


def build():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((4,)),
            tf.keras.layers.Dense(8, activation="relu"),
            Scale(3.0),
            tf.keras.layers.Dense(2),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


# Fixed numbers. The weights are set by the matrix: a scenario needs none.
def inputs():
    return np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(3, 4)
'''


def new_scenario(name: str, folder: Path) -> Path:
    """Write `folder/NAME.py`, a scenario that runs, and return its path. UsageError for a bad or a taken name."""
    path = folder / f"{name}.py"
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        raise UsageError(
            f"{name!r} cannot be the name of a scenario: use letters, digits and underscores, a letter first."
        )
    if path.exists():
        raise UsageError(f"{path} is there already. Choose another name, or edit it.")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(_SCRIPT.format(name=name), encoding="utf-8")
    return path
