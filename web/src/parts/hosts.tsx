import { useLanguage } from "../i18n/index.js";
import { useValue } from "../lib/hooks.js";
import { announcement, closeDialog, closeToast, dialogs, toasts } from "../model/feedback.js";
import { Suspense } from "preact/compat";

/** The host of toasts. */
export function ToastHost() {
  const shown = useValue(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, action }) => (
        <div class="toast" key={id}>
          <span>{text}</span>
          {action && (
            <button
              type="button"
              onClick={() => {
                closeToast(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}

/** The host of dialogs. */
export function DialogHost() {
  useLanguage();
  const open = useValue(dialogs);
  return (
    <Suspense fallback={null}>
      {open.map(({ id, view: View }) => (
        <View key={id} close={() => closeDialog(id)} />
      ))}
    </Suspense>
  );
}

/** Tells new messages to those who do not see the page. */
export function LiveRegion() {
  const text = useValue(announcement);
  return (
    <div class="visually-hidden" role="log" aria-live="polite" aria-relevant="additions">
      {text && <span key={text}>{text}</span>}
    </div>
  );
}
