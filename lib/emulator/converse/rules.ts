/** Refusals of Converse for a well-formed conversation. */

import type { ConverseBlock, ConverseMessage, ConverseRequest } from "./request.ts";
import type { Model } from "../model/catalog.ts";
import { invalid } from "../server/exception.ts";
import { checkMembers } from "./members.ts";

export interface ConversationContext {
  readonly model: Model;
  /** Whether the response is a stream. */
  readonly stream: boolean;
}

/** Throws the first `ValidationException` of the service for this conversation with this model. */
export function checkConversation(request: ConverseRequest, { model, stream }: ConversationContext): void {
  const messages = request.messages ?? [];
  checkMembers(request, { model, stream });
  checkRoles(messages, model);
  messages.forEach((message, index) => {
    if (message.content.length === 0) {
      throw invalid(
        `The content field in the Message object at messages.${index} is empty. Add a ContentBlock object to the ` +
          "content field and try again.",
      );
    }
    message.content.forEach((block, at) =>
      checkBlock(block, { message, model, where: `messages.${index}.content.${at}` })
    );
  });
  checkTools(request);
  checkToolResults(messages);
  const malformed = (request.additionalModelResponseFieldPaths ?? []).find((pointer) =>
    !pointer.startsWith("/")
  );
  if (malformed !== undefined) {
    throw invalid(`The JSON pointer in additionalModelResponseFieldPaths is malformed: ${malformed}`);
  }
}

function checkRoles(messages: readonly ConverseMessage[], model: Model): void {
  const turns = messages.filter(({ role }) => role !== "system");
  if (turns[0]?.role !== "user") {
    throw invalid(
      "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
    );
  }
  if (turns.some(({ role }, index) => role === turns[index - 1]?.role)) {
    throw invalid(
      "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between " +
        "user and assistant roles and try again.",
    );
  }
  // For Claude, the provider refuses it.
  if (turns.at(-1)?.role === "assistant" && !model.prefill && model.family !== "claude") {
    throw invalid(
      "This model does not support assistant message prefill. The conversation must end with a user message.",
    );
  }
}

interface BlockContext {
  readonly message: ConverseMessage;
  readonly model: Model;
  readonly where: string;
}

/** Blocks that only the user may send. */
const USER_ONLY = ["image", "document", "video", "audio", "toolResult"] as const;
const ASSISTANT_ONLY = ["toolUse", "reasoningContent"] as const;
const SYSTEM_ONLY = ["toolAddition", "toolRemoval"] as const;
const MISPLACED = {
  assistant: [...USER_ONLY, ...SYSTEM_ONLY],
  system: [...USER_ONLY, ...ASSISTANT_ONLY],
  user: [...ASSISTANT_ONLY, ...SYSTEM_ONLY],
} as const;
const MEDIA = ["image", "document", "video", "audio"] as const;

function checkBlock(block: ConverseBlock, { message, model, where }: BlockContext): void {
  if (block.text?.trim() === "") {
    throw invalid(
      `The text field in the ContentBlock object at ${where} is blank. Add text to the text field, and try again.`,
    );
  }
  for (const kind of MISPLACED[message.role]) {
    if (block[kind] !== undefined) {
      throw invalid(`The ${kind} block at ${where} is not allowed in a message of the ${message.role} role.`);
    }
  }
  for (const kind of MEDIA) {
    const content = block[kind];
    if (content === undefined) continue;
    if (!model.media.includes(kind)) {
      throw invalid(
        `This model doesn't support the ${kind} content block that you provided. Update the content block and try again.`,
      );
    }
    if (content.source.s3Location !== undefined && model.family !== "nova") {
      throw invalid("This model doesn't support the s3Uri field. Remove s3Uri and try again.");
    }
  }
  if (block.document !== undefined) checkDocument(block.document.name, message);
}

function checkDocument(name: string, message: ConverseMessage): void {
  if (!/^[a-zA-Z0-9()[\]-]+(\s[a-zA-Z0-9()[\]-]+)*$/.test(name)) {
    throw invalid(
      "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, " +
        "and square brackets. The name can't contain more than one consecutive whitespace character.",
    );
  }
  if (!message.content.some(({ text }) => text !== undefined)) {
    throw invalid(
      "A text block is required in a message that contains a document block. Add one and try again.",
    );
  }
}

function checkTools(request: ConverseRequest): void {
  const { toolConfig, messages = [] } = request;
  if (toolConfig === undefined) {
    if (messages.some(({ content }) => content.some(({ toolUse, toolResult }) => toolUse ?? toolResult))) {
      throw invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.");
    }
    return;
  }
  const names = toolConfig.tools.flatMap(({ toolSpec, systemTool }) =>
    toolSpec?.name ?? systemTool?.name ?? []
  );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw invalid(`The tool ${twice} is already defined in toolConfig. Tool names must be unique.`);
  }
  const chosen = toolConfig.toolChoice?.tool?.name;
  if (chosen !== undefined && !names.includes(chosen)) {
    throw invalid(`The tool ${chosen} in toolConfig.toolChoice is not defined in toolConfig.tools.`);
  }
}

function checkToolResults(messages: readonly ConverseMessage[]): void {
  const turns = messages.map((message, index) => ({ ...message, index })).filter(({ role }) =>
    role !== "system"
  );
  turns.forEach((turn, at) => {
    const asked = (turns[at - 1]?.content ?? []).flatMap(({ toolUse }) => toolUse?.toolUseId ?? []);
    const answered = turn.content.flatMap(({ toolResult }) => toolResult?.toolUseId ?? []);
    if (turn.role !== "user") return;
    const missing = asked.filter((id) => !answered.includes(id));
    if (missing.length > 0) {
      throw invalid(
        `Expected toolResult blocks at messages.${turn.index}.content for the following Ids: ${
          missing.join(", ")
        }`,
      );
    }
    if (answered.length > asked.length) {
      throw invalid(
        `The number of toolResult blocks at messages.${turn.index}.content exceeds the number of toolUse blocks of ` +
          "previous turn.",
      );
    }
  });
}
