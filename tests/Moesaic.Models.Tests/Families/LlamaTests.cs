namespace Moesaic.Models.Tests.Families;

[TestFixture("llama", Containers.Both)]
[TestFixture("llama31_scaled", Containers.Both)]
[TestFixture("llama_yarn", Containers.HuggingFace)]
[TestFixture("mistral", Containers.HuggingFace)]
public sealed class LlamaTests(string name, Containers containers) : FamilyTests(name, containers);
