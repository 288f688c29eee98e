"""Options that scripts share."""

import argparse

import rerun as rr

parser = argparse.ArgumentParser()
rr.script_add_args(parser)
args = parser.parse_args(["--headless"])
assert args.headless
assert args.save is None
rr.script_teardown(argparse.Namespace(serve=False))
rr.log("a", rr.TextLog("parsed"))
