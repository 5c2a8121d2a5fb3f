// Uploads a file as tus-js-client does: ENDPOINT TOKEN FILE CHUNK_BYTES. Prints what came of it.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import tus from "tus-js-client";

const [endpoint, token, path, chunkBytes] = process.argv.slice(2);
let mediaId = null;
let retries = 0;
const upload = new tus.Upload(createReadStream(path), {
  endpoint,
  uploadSize: (await stat(path)).size,
  chunkSize: Number(chunkBytes),
  retryDelays: Array(100).fill(300),
  headers: { authorization: `Bearer ${token}` },
  metadata: { filename: "sent by node.bin", filetype: "application/x-lie" },
  onShouldRetry: () => (retries++, true),
  onAfterResponse: (_request, response) => {
    mediaId = response.getHeader("upload-media-id") ?? mediaId;
  },
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => {
    console.log(JSON.stringify({ mediaId, retries }));
    process.exit(0);
  },
});
upload.start();
