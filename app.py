"""Opens the page: ``python app.py [--mcp]``, and the entry point on Hugging Face Spaces."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from dabfusion.web.quiet import prepare


def main(argv: Sequence[str] = ()) -> int:
    """Loads the models once and serves until stopped; 2 if models or a wanted package are missing."""
    parser = argparse.ArgumentParser(prog="python app.py", description="Serves the page, usually on 127.0.0.1:7860.")
    parser.add_argument("--mcp", action="store_true", help="also offer the endpoints as MCP tools (or DABFUSION_MCP=1)")
    chosen = parser.parse_args(argv)
    prepare()
    from dabfusion.errors import UserError
    from dabfusion.services import load_services
    from dabfusion.web.hosting import on_zero_gpu
    from dabfusion.web.launch import serve, wants_mcp

    try:
        mcp = wants_mcp(os.environ, chosen.mcp)
        services = load_services()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(on_zero_gpu(services), mcp=mcp)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
