/** The view that is open beside a conversation; "" is none. */
export type Detail = "" | "info" | "pins" | "search";
