import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { duration } from "../../i18n/when.js";
import { attempt, toast } from "../../model/feedback.js";
import { keepLocal } from "../../model/media.js";
import { Icon } from "../../parts/Icon.js";
import { IconButton } from "../../parts/IconButton.js";
import { useComposerState } from "../conversation/composerState.js";

const SAMPLE_MS = 100;
const MAX_MS = 5 * 60_000;
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

interface Recording {
  stop: () => Promise<Blob>;
  cancel: () => void;
  levels: number[];
}

async function start(): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {});
  const pieces: Blob[] = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  const levels: number[] = [];
  const timer = setInterval(() => {
    analyser.getByteTimeDomainData(samples);
    const loudest = samples.reduce((most, one) => Math.max(most, Math.abs(one - 128)), 0);
    levels.push(Math.min(31, Math.round((loudest / 128) * 62)));
  }, SAMPLE_MS);
  const release = () => {
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
  recorder.start(1000);
  const stop = () =>
    new Promise<Blob>((resolve) => {
      recorder.onstop = () => resolve(new Blob(pieces, { type: (recorder.mimeType || "audio/webm").split(";")[0] }));
      recorder.stop();
      release();
    });
  const cancel = () => {
    recorder.onstop = null;
    if (recorder.state !== "inactive") recorder.stop();
    release();
  };
  return { stop, cancel, levels };
}

/** Record a voice message in place of the composer. */
export default function Recorder({ done }: { done: () => void }) {
  const { handle } = useComposerState();
  const recording = useRef<Recording | null>(null);
  const [elapsedMs, setElapsed] = useState(0);
  useEffect(() => {
    let isGone = false;
    const began = Date.now();
    start().then(
      (made) => {
        if (isGone) made.cancel();
        recording.current = made;
      },
      () => {
        toast(t("composer.noMicrophone"));
        done();
      },
    );
    const timer = setInterval(() => {
      setElapsed(Date.now() - began);
      handle.typing("recording");
    }, 250);
    return () => {
      isGone = true;
      clearInterval(timer);
      handle.typing("stopped");
      recording.current?.cancel();
    };
  }, []);
  const send = async () => {
    const made = recording.current;
    if (!made) return;
    recording.current = null;
    const blob = await made.stop();
    const waveform = shrink(made.levels, 64);
    const content = { type: "voice" as const, duration_ms: elapsedMs, waveform };
    const sent = handle.sendFile(blob, content, { name: "voice", mime: blob.type });
    void sent.then((message) => keepLocal(message.key, blob));
    void attempt(sent);
    done();
  };
  useEffect(() => {
    if (elapsedMs >= MAX_MS) void send();
  }, [elapsedMs >= MAX_MS]);
  return (
    <div class="composer recorder" role="group" aria-label={t("composer.voice")}>
      <span class="recorder-dot" />
      <span class="recorder-time" role="timer">
        {duration(elapsedMs)}
      </span>
      <span class="sub recorder-text">{t("composer.recording")}</span>
      <IconButton icon="trash" label={t("action.cancel")} onClick={done} />
      <button type="button" class="icon-button primary" aria-label={t("composer.send")} onClick={() => void send()}>
        <Icon name="send" size={20} />
      </button>
    </div>
  );
}

/** The loudest level of each of at most `count` stretches. */
export function shrink(levels: readonly number[], count: number): number[] {
  if (levels.length <= count) return [...levels];
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * levels.length) / count);
    const to = Math.floor(((index + 1) * levels.length) / count);
    return Math.max(...levels.slice(from, to));
  });
}
