# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""Does a stack of layers survive?"""

import numpy
import tensorflow as tf


def build():
    model = tf.keras.Model([tf.keras.layers.Dense(3)], 4)
    model.compile("adam", "mse")
    return model


def inputs():
    return numpy.linspace(-1.0, 1.0, 8).reshape(2, 4).astype("float32")
