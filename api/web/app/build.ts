// Steps of the build that Vite does not know: messages become ids, files get compressed forms, the service worker
// learns the names of what it keeps.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { transformAsync } from "@babel/core";
import type { Plugin } from "vite";

/** Lingui's macros, which are compiled away. Only files that use them go through Babel. */
export function messages(): Plugin {
  return {
    name: "messages",
    enforce: "pre",
    async transform(code, id) {
      const file = id.split("?")[0] ?? id;
      if (!/\.tsx?$/.test(file) || !/@lingui\/(core|react)\/macro/.test(code)) return null;
      const typescript = { parserOpts: { plugins: ["typescript", "jsx"] as ("typescript" | "jsx")[] } };
      const plugins = ["@lingui/babel-plugin-lingui-macro"];
      const done = await transformAsync(code, {
        filename: file, plugins, ...typescript, configFile: false, babelrc: false, sourceMaps: true, retainLines: true,
      });
      return done?.code == null ? null : { code: done.code, map: (done.map ?? null) as null };
    },
  };
}

const TEXT = /\.(html|js|css|svg|json|webmanifest)$/;

/** Leaves `x.gz` and `x.br` beside every text file that gets smaller by it. */
export function compressed(): Plugin {
  let folder = "";
  return {
    name: "compressed",
    apply: "build",
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    async writeBundle() {
      const files = await readdir(folder, { recursive: true });
      await Promise.all(files.filter((name) => TEXT.test(name)).map((name) => compress(join(folder, name))));
    },
  };
}

async function compress(file: string): Promise<void> {
  const whole = await readFile(file);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  const forms = { gz: await promisify(gzip)(whole, { level: 9 }), br: await promisify(brotliCompress)(whole, quality) };
  for (const [ending, form] of Object.entries(forms)) {
    if (form.length < whole.length) await writeFile(`${file}.${ending}`, form);
  }
}

/** Gives the service worker the names of the files that make the shell, and a name for them that changes with them. */
export function worker(): Plugin {
  return {
    name: "worker",
    apply: "build",
    async generateBundle(_, bundle) {
      const source = await readFile(join(import.meta.dirname, "service-worker.js"), "utf8");
      const files = Object.keys(bundle).filter((name) => name.startsWith("assets/")).sort().map((name) => `/${name}`);
      const shell = ["/", ...files, "/icon.svg", "/manifest.webmanifest"];
      const version = createHash("sha256").update(shell.join()).digest("hex").slice(0, 16);
      const filled = source.replace("const SHELL = [];", `const SHELL = ${JSON.stringify(shell)};`).replace('"VERSION"', `"${version}"`);
      this.emitFile({ type: "asset", fileName: "service-worker.js", source: filled });
    },
  };
}
