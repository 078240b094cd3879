"""Runs `keras-ae` commands, one a line of standard input, in processes that have the libraries loaded already.

A line is JSON: [folder to run in, argument, ...]. Answers are the process id, and in the end the exit status.
"""

import json
import os
import sys

from keras_ae.cli.app import app


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        folder, *arguments = json.loads(line)
        process = os.fork()
        if process == 0:
            run(folder, arguments)
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def run(folder, arguments):
    os.chdir(folder)
    with open("output.txt", "a") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    code = 1
    try:
        app(arguments, prog_name="keras-ae")
    except SystemExit as done:
        code = done.code or 0
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
