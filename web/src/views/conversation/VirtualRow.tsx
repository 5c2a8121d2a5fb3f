import type { ComponentChildren, CSSProperties, Ref } from "preact";
import { forwardRef } from "preact/compat";
import { useRef } from "preact/hooks";

interface Props {
  style: CSSProperties;
  children?: ComponentChildren;
}

/**
 * The box of a row in the virtualised list, visible from its first measurement on. The list keeps sizes
 * by index: when a row comes in above, it would hide the last one until that is measured anew, and
 * who acts between two frames, as assistive technology does, would not find what is on the screen.
 */
export const VirtualRow = forwardRef(function VirtualRow({ style, children }: Props, ref: Ref<HTMLDivElement>) {
  const isSeen = useRef(false);
  isSeen.current ||= style.visibility !== "hidden";
  return (
    <div ref={ref} style={isSeen.current ? { ...style, visibility: undefined } : style}>
      {children}
    </div>
  );
});
