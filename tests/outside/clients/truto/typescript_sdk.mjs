// The reference's SDK for TypeScript: accounts, tools, and the Proxy and Unified APIs.
import Truto from "@truto/truto-ts-sdk";

const job = JSON.parse(process.argv[2]);
const truto = new (Truto.default ?? Truto)({ baseUrl: job.url, token: job.token });
const asked = { integrated_account_id: job.account_id };
const stores = { ...asked, resource: "vector_stores" };
const made = await truto.proxyApi.create({ name: "made by typescript" }, stores);
const changed = await truto.proxyApi.update(made.id, { name: "changed by typescript" }, stores);
const link = await truto.linkToken.createForNewIntegration({ tenant_id: "newcomer" });
const found = {
  accounts: (await truto.integratedAccount.list({ limit: 1 }).toArray()).map((each) => each.id),
  account: (await truto.integratedAccount.get(job.account_id)).id,
  tools: (await truto.integratedAccount.tools(job.account_id, ["read"], ["billing"])).map((each) => each.name),
  link: link.link_token,
  projects: (await truto.proxyApi.list({ ...asked, resource: "projects", limit: 2 }).toArray()).map((each) => each.id),
  stored: [(await truto.proxyApi.get(made.id, stores)).name, changed.name],
  deleted: (await truto.proxyApi.delete(made.id, stores)).deleted,
  users: (await truto.unifiedApi.list({ ...asked, unified_model: "user-directory", resource: "users" }).toArray()).length,
};
try {
  await truto.proxyApi.get("file-none", { ...asked, resource: "files" });
} catch (problem) {
  found.refused = [problem.statusCode, problem.data.message];
}
process.stdout.write(JSON.stringify(found));
