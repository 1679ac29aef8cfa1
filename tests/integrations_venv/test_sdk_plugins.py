"""The plug-ins with the real packages, over a network in this process."""

import asyncio
import warnings

import openai
import pytest

pytestmark = [
    # Other packages' own.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic:UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ASK = [{"role": "user", "content": "Hello there"}]


def test_langchain_answers_and_streams(http, model):
    from cocoon.sdk.integrations.langchain import ChatCocoon

    chat = ChatCocoon(model=model, cocoon=http, max_tokens=20)
    whole = chat.invoke("Hello there")
    assert whole.content
    assert whole.usage_metadata["total_tokens"] > 0
    parts = [part.content for part in chat.stream("Hello there")]
    assert len([part for part in parts if part]) > 1

    async def both():
        answer = await chat.ainvoke("Hello there")
        streamed = [part.content async for part in chat.astream("Hello there")]
        return answer.content, "".join(streamed)

    # In two loops, one after the other, as frameworks do.
    assert asyncio.run(both()) == asyncio.run(both())


def test_langchain_passes_native_fields_on(http, model):
    from cocoon.sdk.integrations.langchain import ChatCocoon

    chat = ChatCocoon(model=model, cocoon=http, extra_body={"max_cost": 1})
    with pytest.raises(openai.APIStatusError) as caught:
        chat.invoke("Hello there")
    assert caught.value.code == "max_cost_exceeded"


def test_langchain_embeds(http, model):
    from cocoon.sdk.integrations.langchain import CocoonEmbeddings

    embeddings = CocoonEmbeddings(model=model, cocoon=http)
    vectors = embeddings.embed_documents(["one", "two"])
    assert len(vectors) == 2
    assert embeddings.embed_query("one") == vectors[0]
    assert asyncio.run(embeddings.aembed_query("one")) == vectors[0]


def _litellm(http):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm

        from cocoon.sdk.integrations.litellm import register

        litellm.telemetry = False
        register(http)
        return litellm


def test_litellm_answers_and_streams(http, model, monkeypatch):
    litellm = _litellm(http)
    # The stand-in says one word over and over, which is taken for a broken model.
    monkeypatch.setattr(litellm, "REPEATED_STREAMING_CHUNK_LIMIT", 10_000)
    answer = litellm.completion(model=f"cocoon/{model}", messages=ASK, max_tokens=20)
    text = answer.choices[0].message.content
    assert text
    assert answer.usage.total_tokens > 0
    stream = litellm.completion(model=f"cocoon/{model}", messages=ASK, max_tokens=20, stream=True)
    parts = [part.choices[0].delta.content or "" for part in stream if part.choices]
    streamed = "".join(parts)
    assert len([part for part in parts if part]) > 1

    async def both():
        whole = await litellm.acompletion(model=f"cocoon/{model}", messages=ASK, max_tokens=20)
        stream = await litellm.acompletion(
            model=f"cocoon/{model}", messages=ASK, max_tokens=20, stream=True
        )
        parts = [part.choices[0].delta.content or "" async for part in stream if part.choices]
        return whole.choices[0].message.content, "".join(parts)

    assert asyncio.run(both()) == (text, streamed)


def test_litellm_embeds_and_refuses(http, model):
    litellm = _litellm(http)
    found = litellm.embedding(model=f"cocoon/{model}", input=["one", "two"])
    assert len(found.data) == 2
    with pytest.raises(Exception, match="max_cost") as caught:
        litellm.completion(model=f"cocoon/{model}", messages=ASK, max_cost=1)
    assert getattr(caught.value, "status_code", None) == 402


def test_llama_index_answers_and_streams(http, model):
    from llama_index.core.llms import ChatMessage

    from cocoon.sdk.integrations.llama_index import CocoonLLM

    llm = CocoonLLM(model, cocoon=http, max_tokens=20)
    text = llm.complete("Hello there").text
    assert text
    assert llm.chat([ChatMessage(role="user", content="Hello there")]).message.content == text
    parts = list(llm.stream_complete("Hello there"))
    assert parts[-1].text == "".join(part.delta for part in parts)
    assert len(parts) > 1

    async def both():
        whole = await llm.acomplete("Hello there")
        last = None
        async for part in await llm.astream_complete("Hello there"):
            last = part
        return whole.text, last.text

    assert asyncio.run(both()) == (text, parts[-1].text)


def test_llama_index_embeds(http, model):
    from cocoon.sdk.integrations.llama_index import CocoonEmbedding

    embedding = CocoonEmbedding(model, cocoon=http)
    vectors = embedding.get_text_embedding_batch(["one", "two"])
    assert len(vectors) == 2
    assert asyncio.run(embedding.aget_query_embedding("one")) == vectors[0]


def test_the_llm_command_lists_and_asks(http, model, monkeypatch, tmp_path):
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    import llm

    from cocoon.sdk.integrations import llm_plugin

    monkeypatch.setattr(llm_plugin, "http_client", lambda: http)
    found = llm.get_model(f"cocoon/{model}")
    assert isinstance(found, llm_plugin.CocoonChat)
    text = found.prompt("Hello there", stream=False).text()
    assert text
    streamed = list(found.prompt("Hello there", stream=True))
    assert len(streamed) > 1

    async def asked():
        return await llm.get_async_model(f"cocoon/{model}").prompt("Hello there").text()

    assert asyncio.run(asked()) == "".join(streamed)


def test_the_llm_command_goes_on_without_a_network(monkeypatch):
    from cocoon.errors import ConfigError
    from cocoon.sdk.integrations import llm_plugin

    def nothing():
        raise ConfigError("no network runs")

    monkeypatch.setattr(llm_plugin, "http_client", nothing)
    found = []
    llm_plugin.register_models(lambda *models: found.append(models))
    assert found == []
    monkeypatch.setenv("COCOON_LLM_MODELS", "a, b")
    llm_plugin.register_models(lambda *models: found.append(models[0].model_id))
    assert found == ["cocoon/a", "cocoon/b"]
