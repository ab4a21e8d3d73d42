// The reference's toolset for LangChain.js: every tool of an account, some of them called.
import { getTools } from "@truto/langchain-toolset";

const job = JSON.parse(process.argv[2]);
const tools = await getTools(job.account_id, { truto: { baseUrl: job.url, token: job.token } });
const call = async (name, args) => JSON.parse(await tools[name].invoke(args));
const store = await call("create_a_openai_vector_store", { name: "made by a toolset" });
const project = await call("create_a_openai_project", { name: "made by a toolset" });
const found = {
  tools: Object.keys(tools).length,
  projects: (await call("list_all_openai_projects", { limit: 2 })).items.length,
  stored: [
    (await call("get_single_openai_vector_store_by_id", { id: store.id })).name,
    (await call("update_a_openai_vector_store_by_id", { id: store.id, name: "changed by a toolset" })).name,
  ],
  searched: (await call("list_all_openai_vector_store_search", { vector_store_id: store.id, query: "hello" })).items,
  deleted: (await call("delete_a_openai_vector_store_by_id", { id: store.id })).deleted,
  archived: (await call("openai_projects_archive", { id: project.id })).result.status,
  answered: (await call("create_a_openai_chat_completion", {
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: "Say: it works" }],
  })).choices[0].message.content,
  refused: (await call("get_single_openai_file_by_id", { id: "file-none" })).data.message,
};
process.stdout.write(JSON.stringify(found));
