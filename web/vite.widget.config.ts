/** The widget: `widget.js`, which a page names, and what it loads in turn. */
import { fileURLToPath } from "node:url";
import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";
import { emojiData } from "./emoji-data.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * `widget.js` is asked for anew each time, and loads the rest, whose names have hashes.
 *
 * It is a classic script, which may stand anywhere in a page; as a module it works as well.
 */
function loader(): Plugin {
  return {
    name: "widget-loader",
    generateBundle(_options, bundle) {
      const entry = Object.values(bundle).find((one) => one.type === "chunk" && one.isEntry);
      if (!entry) throw new Error("There is no entry.");
      const source = `(() => {
  const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');
  import(new URL(${JSON.stringify(entry.fileName)}, script.src).href);
})();
`;
      this.emitFile({ type: "asset", fileName: "widget.js", source });
    },
  };
}

export default defineConfig({
  base: "./",
  publicDir: false,
  define: { __WIDGET__: "true" },
  resolve: { alias: { "@hongyan/sdk": here("../sdk/typescript/src/index.ts") } },
  plugins: [preact({ devToolsEnabled: false }), emojiData(), loader()],
  build: {
    outDir: here("../src/hongyan/web"),
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    reportCompressedSize: false,
    manifest: "widget-manifest.json",
    rolldownOptions: {
      input: here("src/widget/element.ts"),
      output: {
        entryFileNames: "widget/[name]-[hash].js",
        chunkFileNames: "widget/[name]-[hash].js",
        assetFileNames: "widget/[name]-[hash][extname]",
      },
    },
  },
});
