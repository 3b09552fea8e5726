# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare", "custom_objects", "registered"]
# ///
"""Does a layer of one's own survive?"""

import numpy
import tensorflow as tf


class Double(tf.keras.layers.Dense):
    def call(self, x):
        return 2 * super().call(x)


CUSTOM_OBJECTS = {"Double": Double}


def build():
    model = tf.keras.Model([Double(3)], 4)
    model.compile("adam", "mse")
    return model


def inputs():
    return numpy.linspace(-1.0, 1.0, 8).reshape(2, 4).astype("float32")
