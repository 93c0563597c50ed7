namespace Moesaic.Models.Tests.Families;

[TestFixture("qwen2", Containers.Both)]
[TestFixture("qwen3", Containers.Both)]
public sealed class QwenTests(string name, Containers containers) : FamilyTests(name, containers);
