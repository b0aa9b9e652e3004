/** The emulator's errors: Bedrock's exceptions, by name and HTTP status. */

/** Status of every exception that a request to Bedrock may cause, modelled or from the layers in front of it. */
export const EXCEPTION_STATUS = {
  AccessDeniedException: 403,
  ConflictException: 400,
  ExpiredTokenException: 403,
  IncompleteSignatureException: 400,
  InternalServerException: 500,
  InvalidSignatureException: 403,
  MissingAuthenticationTokenException: 403,
  ModelErrorException: 424,
  ModelNotReadyException: 429,
  ModelStreamErrorException: 424,
  ModelTimeoutException: 408,
  RequestEntityTooLargeException: 413,
  ResourceNotFoundException: 404,
  SerializationException: 400,
  ServiceQuotaExceededException: 400,
  ServiceUnavailableException: 503,
  ThrottlingException: 429,
  UnrecognizedClientException: 403,
  ValidationException: 400,
} as const satisfies Record<string, number>;

export type ExceptionName = keyof typeof EXCEPTION_STATUS;

export interface ExceptionDetails {
  /** Members of the body in addition to the message, such as `originalStatusCode`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The layer that checks API keys writes `Message`, the service writes `message`. */
  readonly capital?: boolean;
}

/** An error, thrown anywhere in the emulator and converted to a response by `handle`. */
export class BedrockException extends Error {
  override readonly name: ExceptionName;

  constructor(name: ExceptionName, message: string, readonly details: ExceptionDetails = {}) {
    super(message);
    this.name = name;
  }
}

/** The most common error, with status 400. */
export function invalid(message: string, details?: ExceptionDetails): BedrockException {
  return new BedrockException("ValidationException", message, details);
}

/** An error of the model's provider: InvokeModel passes its message on, Converse adds a prefix. */
export class ModelRefusal extends Error {
  override readonly name = "ModelRefusal";

  /** Converse's form. */
  viaConverse(): BedrockException {
    return invalid(`The model returned the following errors: ${this.message}`);
  }

  /** InvokeModel's form. */
  viaInvoke(): BedrockException {
    return invalid(this.message);
  }
}
