"""Starts processes that have the libraries loaded already: to import them takes longer than most of what is tested.

One request a line of standard input, one answer a line of standard output, in JSON:

    {"start": [argument, ...], "folder": name, "environment": {name: value}}  ->  process id
    {"poll": process id}  ->  exit status, negative for a signal, or null while it runs

The first argument is the name of a Python script, or "keras-ae". What a process says is added to a text file in its
folder, whose name is in the environment as OUTPUT.
"""

import json
import os
import runpy
import sys

import tensorflow_probability  # noqa: F401

import keras_ae.export  # noqa: F401
from keras_ae.cli.app import app


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            process, status = os.waitpid(request["poll"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if process else None), flush=True)
            continue
        process = os.fork()
        if process == 0:
            run(request["start"], request["folder"], request["environment"])
        print(process, flush=True)


def run(arguments, folder, environment):
    os.chdir(folder)
    os.environ.update(environment)
    with open(f"{environment['OUTPUT']}.txt", "a") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    code = 1
    try:
        name, *others = arguments
        if name == "keras-ae":
            app(others, prog_name=name)
        else:
            sys.argv = arguments
            sys.path.insert(0, os.path.dirname(name))
            runpy.run_path(name, run_name="__main__")
            code = 0
    except SystemExit as done:
        code = done.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
