"""LiteLLM's SDK: an answer, a stream, a tool, and what the run cost."""

import os

import litellm

ACCESS = {"api_base": os.environ["FUSION_URL"], "api_key": os.environ["FUSION_KEY"], "max_retries": 0}


def ask(text: str, **more: object) -> object:
    model = f"openai/{os.environ.get('FUSION_MODEL', 'fusion')}"
    return litellm.completion(model=model, messages=[{"role": "user", "content": text}], **ACCESS, **more)


answer = ask('Say hello. sim: say "hello from the panel"')
print(answer.choices[0].message.content)
print("models:", ", ".join(answer.fusion["panel_models"]), "| cost in dollars:", answer.fusion["cost_usd"])
print("".join(c.choices[0].delta.content or "" for c in ask('Say hello. sim: say "hello in pieces"', stream=True)))
look_up = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
turn = ask('Look it up. sim: call look_up {"word": "graph"}', tools=[look_up]).choices[0].message
print("tool:", [(call.function.name, call.function.arguments) for call in turn.tool_calls or ()])
