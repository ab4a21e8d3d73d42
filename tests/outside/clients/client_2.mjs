// The official TypeScript SDK, second generation.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const job = JSON.parse(process.argv[2]);
const client = new Client({ name: "tests", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(job.url)));
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const results = [];
for (const step of ["read", "write", "error", "large"]) {
  const [name, args] = job[step];
  const result = await client.callTool({ name, arguments: args });
  results.push([Boolean(result.isError), result.content.map((block) => block.text ?? "").join("")]);
}
process.stdout.write(JSON.stringify({ tools, results, says: client.getInstructions() }));
await client.close();
