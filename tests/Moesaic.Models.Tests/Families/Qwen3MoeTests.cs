namespace Moesaic.Models.Tests.Families;

[TestFixture("qwen3_moe", Containers.Both)]
public sealed class Qwen3MoeTests(string name, Containers containers) : FamilyTests(name, containers);
