"""Runs prompts in a ComfyUI, without its server's network: run_prompts.py COMFYUI BASE, in that ComfyUI's Python.

BASE has custom_nodes/, output/ and prompts.json, {name: prompt}. Writes BASE/results.json: for each prompt its status,
the refusal or the error, and the progress sent to the browser; under "inputs" the INPUT_TYPES of mattecore's nodes.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

comfyui, base = sys.argv[1:]
sys.argv[1:] = ["--cpu", "--base-directory", base, "--database-url", "sqlite:///:memory:"]
sys.argv += ["--disable-api-nodes", "--preview-method", "latent2rgb"]
sys.path.insert(0, comfyui)
os.chdir(comfyui)

import main  # noqa: E402

_, server, _ = main.start_comfyui()
import execution  # noqa: E402
import nodes  # noqa: E402
from protocol import BinaryEventTypes  # noqa: E402

PREVIEWS = (BinaryEventTypes.UNENCODED_PREVIEW_IMAGE, BinaryEventTypes.PREVIEW_IMAGE_WITH_METADATA)

events = []
server.send_sync = lambda event, data, sid=None: events.append((event, data))
server.client_id = "test"


def run(name, prompt):
    valid, error, outputs, node_errors = asyncio.run(execution.validate_prompt(name, prompt, None))
    if not valid:
        return {"status": "refused", "error": json.dumps([error, node_errors])}
    executor = execution.PromptExecutor(server)
    events.clear()
    executor.execute(prompt, name, {"client_id": "test"}, outputs)
    status, details = executor.status_messages[-1]
    return {
        "status": status.removeprefix("execution_"),
        "error": details.get("exception_message", "").strip(),
        "progress": [(data["value"], data["max"]) for event, data in events if event == "progress"],
        "previews": sum(event in PREVIEWS for event, _ in events),
    }


prompts = json.loads((Path(base) / "prompts.json").read_text())
results = {name: run(name, prompt) for name, prompt in prompts.items()}
ours = {name: node.INPUT_TYPES() for name, node in nodes.NODE_CLASS_MAPPINGS.items() if name.startswith("Mattecore")}
schedule = {"samplers": nodes.KSampler.INPUT_TYPES()["required"]["sampler_name"][0]}
schedule["schedulers"] = nodes.KSampler.INPUT_TYPES()["required"]["scheduler"][0]
(Path(base) / "results.json").write_text(json.dumps({"results": results, "inputs": ours, **schedule}))
sys.stdout.flush()
os._exit(0)  # the worker threads of ComfyUI's queue would go on
