# /// script
# requires-python = ">=3.7"
# dependencies = ["tensorflow"]
#
# [tool.matrix]
# variants = ["bare", "custom_objects", "registered"]
# ///
"""Does a function of one's own as the activation of a Dense layer survive the trip?"""

import numpy as np
import tensorflow as tf


def sigmoid_tanh(x):
    return tf.sigmoid(x) * tf.tanh(x)


CUSTOM_OBJECTS = {"sigmoid_tanh": sigmoid_tanh}


def build():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((10,)),
            tf.keras.layers.Dense(32, activation=sigmoid_tanh),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def inputs():
    return np.linspace(-1.0, 1.0, 40, dtype="float32").reshape(4, 10)
