import type { wire } from "@hongyan/sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { duration } from "../../i18n/when.js";
import { useMediaUrl } from "../../model/media.js";
import { IconButton } from "../../parts/IconButton.js";

const BARS = 32;

/** Stretch or shrink a waveform to a number of bars. */
export function bars(waveform: readonly number[], count = BARS): number[] {
  if (waveform.length === 0) return Array.from({ length: count }, () => 4);
  return Array.from({ length: count }, (_, index) => waveform[Math.floor((index * waveform.length) / count)] ?? 0);
}

/** A voice message: its waveform, and the means to hear it. */
export default function VoicePlayer({ content, uploadUrl }: { content: wire.Voice; uploadUrl: string }) {
  const fetched = useMediaUrl(content.media_id);
  const url = uploadUrl || fetched;
  const audio = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [share, setShare] = useState(0);
  const lengthMs = content.duration_ms ?? 0;
  useEffect(() => {
    const node = audio.current;
    return () => node?.pause();
  }, []);
  const toggle = () => {
    const node = audio.current;
    if (!node) return;
    if (isPlaying) node.pause();
    else void node.play().catch(() => setPlaying(false));
  };
  const onTime = () => {
    const node = audio.current;
    if (node && lengthMs) setShare(Math.min(1, (node.currentTime * 1000) / lengthMs));
  };
  return (
    <span class="voice-player">
      <IconButton icon={isPlaying ? "pause" : "play"} label={t(isPlaying ? "voice.pause" : "voice.play")} disabled={!url} onClick={toggle} />
      <svg class="waveform" viewBox={`0 0 ${BARS * 4} 32`} width={BARS * 4} height={32} aria-hidden="true">
        {bars(content.waveform ?? []).map((level, index) => {
          const height = Math.max(3, (level / 31) * 28);
          const isHeard = index / BARS < share;
          return (
            <rect key={index} x={index * 4} y={16 - height / 2} width={2.5} height={height} rx={1.25} data-heard={isHeard || undefined} />
          );
        })}
      </svg>
      <span class="voice-length">{duration(lengthMs)}</span>
      <audio
        ref={audio}
        src={url || undefined}
        preload="none"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={onTime}
        onEnded={() => setShare(0)}
      />
    </span>
  );
}
