"""Small real models, as people upload them, and a plugin algorithm, as people install it."""

DIGITS = """
import json, os, sys
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

config = json.load(open("config.json"))
epochs = int(config.get("epochs", sys.argv[sys.argv.index("--epochs") + 1] if "--epochs" in sys.argv else 3))
data, kinds = load_iris(return_X_y=True)
model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=float(config["learning_rate"]),
                      penalty=config.get("penalty", "l2"), random_state=0)
found = []
for epoch in range(1, epochs + 1):
    model.partial_fit(data[::2] / 8, kinds[::2], classes=[0, 1, 2])
    shares = model.predict_proba(data[1::2] / 8)
    found.append({"step": epoch, "loss": float(log_loss(kinds[1::2], shares)),
                  "accuracy": float(model.score(data[1::2] / 8, kinds[1::2]))})
    print("epoch", epoch, found[-1], flush=True)
old = os.path.join(os.environ["DLI_RESULT_FS"], os.environ["USER"], "batchworkdir", os.environ["DLI_EXECID"])
assert os.path.samefile(old, os.environ["RESULT_DIR"]) and os.path.isdir(os.environ["LOG_DIR"])
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as target:
    json.dump(found, target)
"""

PLUGIN = """
import random
import numpy
from plugins.core.logger import logger
from plugins.core.base_plugin_opt import BasePluginOptimizer


class PluginOptimizer(BasePluginOptimizer):
    def __init__(self, name, hyper_parameters, **kwargs):
        super(PluginOptimizer, self).__init__(name, hyper_parameters, **kwargs)
        logger.info("all input parameters: %s %s", hyper_parameters, kwargs)
        self.parameters = hyper_parameters
        self.random = random.Random(int(kwargs["random_seed"]))
        self.known = []

    def search(self, number_samples, last_exp_results):
        if last_exp_results:
            self.known += last_exp_results
        return [self.one() for _ in range(number_samples)]

    def one(self):
        found = {}
        for entry in self.parameters:
            if entry["type"] == "Range":
                assert entry["dataType"] == "DOUBLE"
                found[entry["name"]] = numpy.float64(self.random.uniform(entry["minDbVal"], entry["maxDbVal"]))
            else:
                found[entry["name"]] = self.random.choice(entry["discreateStrVal"])
        return found

    def get_state(self):
        return {"known": len(self.known)}

    def set_state(self, state_dict):
        pass
"""
