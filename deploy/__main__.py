"""`python -m deploy COMMAND`: what the Makefile calls. `help` lists the commands.

This file must parse under any Python 3, so that an old one can be told that it is too old.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Python must be 3.11 or newer; this is %d.%d (%s).\n"
        "Install it (apt-get install python3.11 python3.11-venv), then: make PYTHON=python3.11 ..."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from deploy.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
