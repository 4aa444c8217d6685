// Whether the AsyncAPI document on the standard input is one: exit 1 with what AsyncAPI's own parser has against it.

import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

// Installed below the build folder, which the test names.
const { Parser } = createRequire(join(process.argv[2], "package.json"))("@asyncapi/parser");

const { document, diagnostics } = await new Parser().parse(await text(process.stdin));
const SEVERE = 1; // 0: error, 1: warning; what is below is advice
const wrong = diagnostics.filter(({ severity }) => severity <= SEVERE);
for (const { code, message, path, severity } of diagnostics) console.log(severity, code, path.join("."), message);
if (document) console.log(`${document.messages().length} messages, ${document.operations().length} operations`);
process.exit(document && wrong.length === 0 ? 0 : 1);
