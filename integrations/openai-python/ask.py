"""The OpenAI SDK for Python: an answer, a stream, a tool, and what the run cost."""

import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["FUSION_URL"], api_key=os.environ["FUSION_KEY"])
model = os.environ.get("FUSION_MODEL", "fusion")

answer = client.chat.completions.create(
    model=model,
    messages=[{"role": "user", "content": 'Say hello. sim: say "hello from the panel"'}],
)
print(answer.choices[0].message.content)
print("models:", ", ".join(answer.fusion["panel_models"]), "| cost in dollars:", answer.fusion["cost_usd"])

stream = client.chat.completions.create(
    model=model,
    messages=[{"role": "user", "content": 'Say hello. sim: say "hello in pieces"'}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="")
print()

look_up = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look a word up.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}
messages = [{"role": "user", "content": 'Look it up. sim: call look_up {"word": "graph"} sim: say "it was looked up"'}]
turn = client.chat.completions.create(model=model, messages=messages, tools=[look_up]).choices[0].message
for call in turn.tool_calls or ():
    print("tool:", call.function.name, call.function.arguments)
    messages += [turn, {"role": "tool", "tool_call_id": call.id, "content": "nodes and edges"}]
print(client.chat.completions.create(model=model, messages=messages, tools=[look_up]).choices[0].message.content)
