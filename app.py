"""Opens the page: ``python app.py``, and the entry point on Hugging Face Spaces."""

from __future__ import annotations

import sys

from dabfusion.web.quiet import prepare


def main() -> int:
    """Loads the models once and serves until stopped; 2 if the models are not there."""
    prepare()
    from dabfusion.errors import UserError
    from dabfusion.services import load_services
    from dabfusion.web.hosting import on_zero_gpu
    from dabfusion.web.launch import serve

    try:
        services = load_services()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(on_zero_gpu(services))
    return 0


if __name__ == "__main__":
    sys.exit(main())
