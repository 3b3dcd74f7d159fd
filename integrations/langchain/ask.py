"""LangChain: an answer, a stream, a tool, structured output, and what the run cost."""

import os

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model=os.environ.get("FUSION_MODEL", "fusion"),
    base_url=os.environ["FUSION_URL"],
    api_key=os.environ["FUSION_KEY"],
)


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word}: nodes and edges"


print(model.invoke('Say hello. sim: say "hello from the panel"').content)
print("".join(str(piece.content) for piece in model.stream('Say hello. sim: say "hello in pieces"')))

asked = HumanMessage('Look it up. sim: call look_up {"word": "graph"} sim: say "it was looked up"')
turn = model.bind_tools([look_up]).invoke([asked])
print("tool:", [(call["name"], call["args"]) for call in turn.tool_calls])
results: list[ToolMessage] = [look_up.invoke(call) for call in turn.tool_calls]
print(model.bind_tools([look_up]).invoke([asked, turn, *results]).content)

PERSON = {"title": "person", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
print("person:", model.with_structured_output(PERSON, method="json_schema").invoke("Who wrote Middlemarch?"))
