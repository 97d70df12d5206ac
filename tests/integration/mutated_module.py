"""Plugin of pytest: import one module with a change in its text; PLANWISE_MUTANT has both as JSON."""

import json
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader

MODULE, TEXT, CHANGED = json.loads(os.environ["PLANWISE_MUTANT"])


class MutatedLoader(SourceFileLoader):
    def get_code(self, fullname):  # compiled anew: the cached bytecode is the unchanged module's
        source = self.get_data(self.path).decode()
        return self.source_to_code(source.replace(TEXT, CHANGED), self.path)


class MutantFinder(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != MODULE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        spec.loader = MutatedLoader(fullname, spec.origin)
        return spec


sys.meta_path.insert(0, MutantFinder())
