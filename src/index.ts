/**
 * zmqecho as a library: a function host and a client for ZeroMQ, and what plugins are written with.
 * @packageDocumentation
 */

export type { AnyHandlers, CallOptions, Client, HandlerType, HandlerTypes, RequestOptions } from "./client/client.ts";
export { type ClientOptions, createClient } from "./client/create-client.ts";
export type { CurveOptions } from "./client/curve.ts";
export type { Introspection } from "./client/introspect.ts";
export type { Body, Codec, CodecLimits, CodecRole, CodecSpec, PlainSpec, ProtobufSpec } from "./codecs/codec.ts";
export { type CodecOptions, createCodec } from "./codecs/registry.ts";
export { defineConfig } from "./config/define.ts";
export type {
  CodecConfig,
  Config,
  EndpointConfig,
  HandlerConfig,
  Limits,
  PlainEndpointConfig,
  TargetConfig,
  ZepEndpointConfig,
} from "./config/effective.ts";
export type { Environment } from "./config/interpolate.ts";
export type { Origin } from "./config/layers.ts";
export { type LoadedConfig, type LoadOptions, loadConfig } from "./config/load.ts";
export type { Path } from "./config/path.ts";
export type { ConfigInput } from "./config/schema.ts";
export type { Call, CallHook, Failure, Outcome, Source, Success } from "./core/call.ts";
export { type Certificate, readCertificate } from "./curve/certificate.ts";
export {
  CallError,
  ConfigError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorOptions,
  type Json,
  type JsonObject,
  type Problem,
  ZmqEchoError,
} from "./errors.ts";
export {
  type CodecDefinition,
  defineCodec,
  defineHandler,
  type HandlerContext,
  type HandlerDefinition,
  type HandlerFunction,
  type Isolation,
  type Log,
  type LogMethod,
  type Metadata,
  type SetupContext,
  type TypesOf,
  type Value,
} from "./handler.ts";
export { createHost, type Host, type HostOptions } from "./host.ts";
export { type MockState, mock } from "./mock/mock.ts";
export type { MockRule } from "./mock/rules.ts";
export type { CallTrace } from "./tracing/trace.ts";
export type {
  EndpointStats,
  HandlerDescription,
  HandlerList,
  HandlerStats,
  HandlerSummary,
  HostStats,
  Pong,
  ProtobufDescription,
} from "./wire/introspection.ts";
export type { TraceContext } from "./wire/trace-context.ts";
