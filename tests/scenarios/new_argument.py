# /// script
# requires-python = ">=3.7"
# dependencies = ["tensorflow"]
#
# [tool.matrix]
# variants = ["bare"]
# formats = ["h5", "weights_h5"]
# ///
"""Does code that names an argument of newer optimizers keep an older reader from weights that need it?"""

import numpy as np
import tensorflow as tf


def build():
    model = tf.keras.Sequential(
        [tf.keras.layers.Input((3,)), tf.keras.layers.Dense(4, activation="relu"), tf.keras.layers.Dense(2)]
    )
    model.compile(optimizer=tf.keras.optimizers.Adam(weight_decay=0.01), loss="mse")
    return model


def inputs():
    return np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(4, 3)
