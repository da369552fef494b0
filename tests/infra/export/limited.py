"""The command on a full disk, as far as files of more than so many bytes go: the limit gives a real error from the kernel.

python -m tests.infra.export.limited BYTES ARGUMENTS...
"""

import resource
import sys

from infra.cli.app import main

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
    main()
