# /// script
# requires-python = ">=3.7"
# dependencies = ["tensorflow"]
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""Does a plain stack of Dense layers survive the trip?"""

import numpy as np
import tensorflow as tf


def build():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((784,)),
            tf.keras.layers.Dense(10, activation="relu"),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def inputs():
    return np.linspace(-1.0, 1.0, 4 * 784, dtype="float32").reshape(4, 784)
