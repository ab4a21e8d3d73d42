"""LiteLLM's proxy: chat through its own API, everything else through its pass-through to OpenAI."""

from tests.outside.client_envs import python_env

from bench.contestant import Contestant, Place
from bench.machine import free_port, start, wait_until_it_answers
from bench.programs.mcp_servers import version_of

KEY = "sk-litellm-bench"
_CONFIG = """
model_list:
  - model_name: gpt-4o
    litellm_params: {{model: openai/gpt-4o, api_key: {key}, api_base: "{vendor}"}}
general_settings: {{master_key: {master}}}
litellm_settings: {{telemetry: false}}
"""


def start_litellm(place: Place) -> Contestant:
    python = python_env("bench-litellm")
    folder = place.folder / "litellm"
    folder.mkdir()
    config, port = folder / "config.yaml", free_port()
    config.write_text(_CONFIG.format(key=place.key, vendor=place.vendor_url, master=KEY))
    environment = {
        "OPENAI_API_BASE": place.vendor_url.removesuffix("/v1"),
        "OPENAI_API_KEY": place.key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
    }
    command = [python.with_name("litellm"), "--config", config, "--host", "127.0.0.1", "--port", str(port)]
    running = start([*command, "--num_workers", "1"], folder, "litellm", environment=environment)
    wait_until_it_answers(running, f"http://127.0.0.1:{port}/health/liveliness")
    requests = place.plain_requests(port, "/v1", KEY)
    through = place.plain_requests(port, "/openai_passthrough/v1", KEY)
    chats = {asks: each for asks, each in requests.items() if each.path.endswith("/chat/completions")}
    chosen = {**{asks: through[asks] for asks in ("list 2 kB", "list 100 kB")}, **chats}
    return Contestant("LiteLLM proxy", version_of(python, "litellm"), running, chosen, is_slow=True)
