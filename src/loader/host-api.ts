import { HOST_MODULE } from "./bundle.ts";

/** What a plugin gets for `import "zmqecho"`: this package by its own name, so the very modules that run here. */
export function hostApi(): Promise<object> {
  return import(HOST_MODULE);
}
