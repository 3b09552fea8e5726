"""Model files that try to do harm, made by the TensorFlow that will open them; each tells what it could do.

A Lambda layer carries the bytecode of a function into an .h5 file, and Keras runs it when it builds the model
(https://nvd.nist.gov/vuln/detail/CVE-2024-3660). A SavedModel carries operations that read and write files
(https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md). Nothing happens while they are made: MAKING is set.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

HEAD = """
import json, os, signal, socket, time
said = {}
def tried(name, act):
    try:
        said[name] = str(act())[:300]
    except BaseException as error:
        said[name] = 'refused: ' + type(error).__name__
def wrote(path):
    with open(path, 'w') as file:
        file.write('harm')
    return 'wrote'
def read(path):
    with open(path, errors='replace') as file:
        return file.read()
def reached(host, port):
    with socket.create_connection((host, port), timeout=3):
        return 'reached'
"""
TAIL = "\nraise RuntimeError('CANARY ' + json.dumps(said))\n"
BODIES = {
    "writes": "for path in PLACES: tried(path, lambda: wrote(path))",
    "reads": "for path in SECRETS: tried(path, lambda: read(path))",
    "network": "for host, port in HOSTS: tried(host, lambda: reached(host, port))\n"
    "tried('name', lambda: socket.getaddrinfo('pypi.org', 443))",
    "variables": "tried('own', lambda: json.dumps(dict(os.environ)))\n"
    "for pid in (1, os.getppid()): tried(str(pid), lambda: read('/proc/%d/environ' % pid))",
    "privileges": "tried('uid', os.getuid)\ntried('root', lambda: os.setuid(0))\n"
    "wanted = ('CapEff', 'NoNewP')\n"
    "tried('status', lambda: [line for line in read('/proc/self/status').splitlines() if line[:6] in wanted])",
    "disk": "tried('filled', lambda: [open('/tmp/%d' % n, 'wb').write(b'x' * (64 << 20)) for n in range(200)])\n"
    "said['bytes'] = sum(os.path.getsize('/tmp/' + name) for name in os.listdir('/tmp') if name.isdigit())",
    "processes": "def many():\n    for n in range(5000):\n        if not os.fork():\n            time.sleep(1000)\n"
    "tried('forked', many)",
    "memory": "hoard = []\nwhile True:\n    hoard.append(b'x' * (64 << 20))",
    "endless": "while True:\n    pass",
    "kills": "os.kill(-1, signal.SIGKILL)\ntime.sleep(5)",
    "forges": "line = json.dumps(FORGED) + '\\n'\n"
    "ends = ['/proc/%d/fd/%d' % (pid, n) for pid in (os.getpid(), os.getppid()) for n in range(64)]\n"
    "def forged(path):\n    end = os.open(path, os.O_WRONLY | os.O_NONBLOCK)\n    os.write(end, line.encode())\n"
    "for path in ends: tried(path, lambda: forged(path))",
}
MAKER = """
import json, os, sys
import tensorflow as tf
told = json.load(open(sys.argv[1]))
for name, payload in told['payloads'].items():
    harm = eval('lambda x: (None if __import__("os").environ.get("MAKING") else exec(%r, {}), x)[1]' % payload)
    model = tf.keras.Sequential([tf.keras.layers.Input((2,)), tf.keras.layers.Lambda(harm)])
    model.save(os.path.join(told['folder'], name + '.h5'))

class Files(tf.Module):
    def __init__(self, act):
        super().__init__()
        self.act = act

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def served(self, x):
        done = self.act()
        with tf.control_dependencies([done]):
            return {'out': x + tf.cast(tf.strings.length(done) if isinstance(done, tf.Tensor) else 0, tf.float32)}


for name, act in (('op_reads', lambda: tf.io.read_file(told['secret'])),
                  ('op_writes', lambda: tf.io.write_file(told['mark'], 'harm'))):
    files = Files(act)
    tf.saved_model.save(files, os.path.join(told['folder'], name), signatures={'serving_default': files.served})
"""


def made(python: Path, folder: Path, names: dict[str, object], secret: Path, mark: Path) -> dict[str, Path]:
    """Make all canaries with the interpreter of an environment.

    Args:
        python: of the environment.
        folder: where to.
        names: values of the names in capitals.
        secret: a file that a SavedModel reads.
        mark: one that another writes.
    """
    values = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    payloads = {name: f"{values}{HEAD}{body}{TAIL}" for name, body in BODIES.items()}
    told = {"payloads": payloads, "folder": str(folder), "secret": str(secret), "mark": str(mark)}
    task = folder / "task.json"
    task.write_text(json.dumps(told), encoding="utf-8")
    environ = {**os.environ, "MAKING": "1", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([python, "-c", MAKER, task], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: folder / f"{name}.h5" for name in BODIES} | {
        name: folder / name for name in ("op_reads", "op_writes")
    }
