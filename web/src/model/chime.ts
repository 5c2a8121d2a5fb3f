let audio: AudioContext | null = null;
let lastChimeMs = 0;

/** Two soft notes, made here so that nothing has to be loaded; at most one chime a second. */
export function chime(): void {
  const now = Date.now();
  if (now - lastChimeMs < 1000 || !navigator.userActivation?.hasBeenActive) return;
  lastChimeMs = now;
  audio ??= new AudioContext();
  for (const [index, hertz] of [659.25, 880].entries()) {
    const start = audio.currentTime + index * 0.11;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.08, start + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.32);
  }
}
