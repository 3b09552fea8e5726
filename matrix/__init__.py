"""Will my saved Keras model still open, and still predict the same, after I change TensorFlow?"""
